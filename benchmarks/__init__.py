"""Measurements against a real JupyterHub and a real Slurm; results are kept in docs/benchmarks.

`spawn` is the command (`make bench-spawn`), `experiments` what is measured, `hub` starts one hub
with one spawner, `crowd` and `probe` are the people before it, `stub` what they start where
hundreds are needed, `report` writes the table and the plot.
"""
