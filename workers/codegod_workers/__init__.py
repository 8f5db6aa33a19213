"""Workers: one turn from an assignment to a submission, through allocated tools alone."""

from codegod_workers.answer import Answer, AnswerFault, Needs, parse_answer
from codegod_workers.records import Assignment, Finding, Outcome, Spent, Submission
from codegod_workers.specialties import SPECIALTIES, Specialty
from codegod_workers.worker import Worker

__all__ = [
    "SPECIALTIES",
    "Answer",
    "AnswerFault",
    "Assignment",
    "Finding",
    "Needs",
    "Outcome",
    "Specialty",
    "Spent",
    "Submission",
    "Worker",
    "parse_answer",
]
