"""A private, real Slurm on this machine, for a try-out and for the tests.

`packages` finds or fetches Slurm's programs (standard library only), `description` says what a
cluster looks like, `configuration` writes it as Slurm's files, `cluster` starts and stops it,
`processes` finds what belongs to it.
"""
