"""What Caption Images does: captions by a template or by BLIP, and the folder of pictures that they lie in."""
