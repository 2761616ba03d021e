"""Set-up of a machine, and how Minga is run on one."""
