"""How work is graded: sandbox, warm kernels, workers, integrity."""
