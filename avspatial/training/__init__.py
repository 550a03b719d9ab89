"""The loop, the trainers, checkpoints, exact resume."""
