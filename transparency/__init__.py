"""The public page of use: what is recorded, what of it is published, and how nobody is singled out.

record.py (in the hub) writes a row a session; publish.py turns a month that is over into figures,
once and for good; figures.py adds them up, privacy.py merges what would stand for too few people;
page.py writes the page, CSV and JSON; serve.py shows them to everybody.
"""
