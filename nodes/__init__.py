"""The nodes, one folder a stage in the order in which data flows; each holds pure modules and one thin nodes.py."""
