"""Training a ResNet on labelled pictures, testing it, and the result files of both."""
