"""Which faults the user can mend: a door tells them in one line and shows no traceback."""

from __future__ import annotations

from codegod_kit import PlanFault
from codegod_mesh import ConfigFault, ServerDown
from codegod_models import ModelFault
from codegod_orchestrator.acceptance.hidden_tests import AcceptanceRefused
from codegod_orchestrator.capability import NotBuildable
from codegod_orchestrator.contract import ContractRefused
from codegod_orchestrator.doors.settings import Refused
from codegod_orchestrator.journal import JournalFault
from codegod_orchestrator.limits import BudgetFault
from codegod_orchestrator.planning import PlanRefused
from codegod_orchestrator.surveying import SurveyRefused
from codegod_workers.worker import ToolRefused

MENDABLE = (
    Refused,
    PlanFault,
    PlanRefused,
    NotBuildable,
    AcceptanceRefused,
    ContractRefused,
    SurveyRefused,
    BudgetFault,
    ModelFault,
    ConfigFault,
    JournalFault,
    ServerDown,
    ToolRefused,
)


def mendable(fault: BaseException) -> BaseException | None:
    """The fault to tell the user: `fault`, or the first inside a group of nothing else; None when it is a bug."""
    if isinstance(fault, BaseExceptionGroup):
        found = [mendable(one) for one in fault.exceptions]
        return found[0] if all(found) else None
    return fault if isinstance(fault, MENDABLE) else None
