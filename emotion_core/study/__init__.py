"""A study as a folder: participants, recordings and events go in, a check and a report come out.

`layout` reads the folder, `checks` says what is missing, `responses` what each person showed during each
stimulus, `report` writes it all down. The analysis itself is a batch into `ANALYSIS`.
"""

ANALYSIS, REPORT = "analysis", "report"
"""Folders that are made inside that of a study: the batch, and what is written of it."""
