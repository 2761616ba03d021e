"""A site in another country: its own network, processes, accounts and folders, and a poor link.

what happens                            test
--------------------------------------  ----------------------------------------------------------
a session there, through its tunnel     test_remote_site.py: a_session_in_another_country…
the hub's key at the login node         …: the_hubs_key_starts_one_program…; test_gate.py
a session's key at the hub              …: a_sessions_key_opens_one_door…; test_doors.py
the link is cut (MINGA_FAULTS=all: 60   …: a_link_that_is_cut_ends_nothing…
  s; MINGA_CUT_SECONDS sets it)
… and the hub killed meanwhile          …: a_hub_killed_while_the_link_is_cut… (MINGA_FAULTS=all)
the site disappears, and comes back     …: a_site_that_disappears… (MINGA_FAULTS=all)
the doctor there                        …: the_doctor_starts…; test_doctor_remote.py
"""
