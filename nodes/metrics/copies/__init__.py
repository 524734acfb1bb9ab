"""Near copies between two sets, and sameness within one."""
