"""Simulated organisations: exports of any date, what happened next, and how likely it truly was.

A seed gives an organisation with its own people, habits and history; nothing of it comes from a real one. What a
model learns from many of them holds for organisations it has never seen, which is how the shipped model comes to be.

Examples
--------
>>> organisation = draw_organisation(3, Settings(rows=300))
>>> when = organisation.dates(1)[0]
>>> contacts, happened = organisation.export(when), organisation.outcomes(when)
>>> contacts.height == happened.height
True
"""

from scoring.simulation.organisation import Organisation, draw_organisation
from scoring.simulation.settings import Settings
from scoring.simulation.traits import Traits

__all__ = ["Organisation", "Settings", "Traits", "draw_organisation"]
