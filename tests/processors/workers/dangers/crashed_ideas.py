"""A program: an ideas worker under which Faust crashes, as it does when a commit fails for good."""

from processors.workers.ideas_worker import IdeasWorker
from tests.processors.workers.dangers.program import run_ideas


WHY = "as a commit would"


class CrashedIdeas(IdeasWorker):
    """Crashes instead of publishing."""

    async def _publish(self) -> None:
        await self.app.crash(RuntimeError(WHY))


if __name__ == "__main__":
    run_ideas(CrashedIdeas)
