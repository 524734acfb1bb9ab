"""What CLIP tells of a set: its distance from another, and how well pictures agree with their prompts."""
