"""Tables and plots beside the thesis's figures; thin nodes over evaluation/report."""
