"""Networks: their parts, the order of a step, and what is saved of them."""
