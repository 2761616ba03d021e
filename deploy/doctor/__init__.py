"""Check an installation, from its file to a test session on each site, and say what to mend.

    python -m deploy.doctor [--person NAME] [--json]        make doctor

Run it as the account that the hub runs as, with the same MINGA_DEPLOYMENT. It changes nothing:
a test session is a job of a few seconds that it takes back.
"""
