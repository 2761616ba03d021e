"""What ours is compared with: stock batchspawner."""

from pathlib import Path

from batchspawner import SlurmSpawner
from traitlets import Unicode


class StockSpawner(SlurmSpawner):
    """batchspawner 1.3.0's SlurmSpawner with the least that it needs to run here.

    Stock looks up each user's Unix account and the node's name; the measurement has neither, so
    only those three lookups are replaced, and `sudo` is left out, as it is for ours.
    """

    exec_prefix = ""
    homes = Unicode(help="Folder of the users' home folders.").tag(config=True)

    def _req_homedir_default(self):
        home = Path(self.homes, self.user.name)
        home.mkdir(parents=True, exist_ok=True)
        return str(home)

    def user_env(self, env):
        """Add what a login would set."""
        return env | {"USER": self.user.name, "HOME": self.req_homedir, "SHELL": "/bin/bash"}

    def state_gethost(self):
        """All nodes are on this machine."""
        return "127.0.0.1"
