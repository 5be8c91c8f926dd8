"""What ptxas made of the CUDA kernels, read from the objects, against what it should be."""
