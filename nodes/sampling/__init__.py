"""From a plan to pictures: batches of different prompts, each image with its own noise."""
