"""Where notebooks run: Slurm sites, the choices a student is offered, and the sessions."""
