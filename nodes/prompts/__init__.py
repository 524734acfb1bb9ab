"""From classes, templates and wildcards to a plan: which prompt, label and seed every image has."""
