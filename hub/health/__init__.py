"""Whether the installation is well, for whoever watches it: no seller's business."""
