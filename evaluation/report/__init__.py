"""Results as tables and plots beside the thesis's figures: HTML, Markdown, CSV."""
