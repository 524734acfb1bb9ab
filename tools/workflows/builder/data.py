"""The folders of the public data sets below ComfyUI's `input`."""

CIFAR10, STL10, IMAGENET = "cifar-10-batches-bin", "stl10_binary", "imagenet-val"
