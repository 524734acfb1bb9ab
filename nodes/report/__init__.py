"""Our figures in the thesis's tables, and plots; thin nodes over evaluation/report."""
