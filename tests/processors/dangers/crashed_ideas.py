"""A program: an ideas worker under which Faust crashes, as it does when a commit fails for good."""

from processors.batch_lane import run_worker
from processors.ideas_worker import IdeasPolicy, IdeasWorker
from scrutin import bootstrap, log
from scrutin.settings import load


WHY = "as a commit would"


class CrashedIdeas(IdeasWorker):
    """Crashes instead of publishing."""

    async def _publish(self) -> None:
        await self.app.crash(RuntimeError(WHY))


if __name__ == "__main__":
    settings = load()
    log.configure(settings)
    worker = CrashedIdeas(IdeasPolicy(
        settings.kafka, bootstrap.topics(settings), settings.instance, settings.data_folder))
    run_worker(worker.app, settings.stop_seconds)
