"""From a parsed template to the prompt of any number: resolved, compiled, dealt, rendered."""
