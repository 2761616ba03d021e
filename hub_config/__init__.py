"""What the hub is told: the description of one installation and what follows from it."""
