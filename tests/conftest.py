"""What holds for every test."""

import torch

# As in a worker process: with several threads, sums are added up in another order, and float32
# scores differ in their last digits.
torch.set_num_threads(1)
