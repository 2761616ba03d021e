"""What the pending page shows of a start: where it stands, how far along, when it is expected."""

from dataclasses import dataclass

from .messages import Message
from .queue import Job, Life, Snapshot
from .reasons import why

HANDED_IN = Message("Cuando la sede reciba tu pedido, esta página dirá qué lugar tienes.")
IN_QUEUE = Message(
    "Cuando te toque, la sede te da una máquina y esta página te lleva a JupyterLab. Puedes "
    "cerrarla y volver: conservas tu lugar. Si ya no la necesitas, cancela."
)
NO_ANSWER = Message(
    "No tienes que hacer nada: cuando la sede vuelva a responder, esta página dirá qué lugar "
    "tienes. Si cancelas ahora, puede tardar."
)
ENDED = Message("En un momento esta página dirá por qué, o podrás elegir de nuevo.")
OPENING = Message("JupyterLab se abre en unos segundos y esta página te lleva a él.")


@dataclass(frozen=True)
class Situation:
    """One line of the pending page."""

    message: Message
    percent: int  # how far along, for the progress bar
    starts: int | None = None  # when Slurm expects to start it, in seconds since 1970
    next: Message = HANDED_IN  # what happens next, and what the student can do


def situation(site: str, job_id: str, job: Job | None, latest: Snapshot, told: bool) -> Situation:
    """Return where a start stands.

    `site` is the site's title in the reader's language, `job_id` empty before the job is handed
    in, `job` as the queue last showed it, `latest` the queue's last answer (or why there is
    none), `told` whether the server announced its port.
    """
    if not job_id:
        return Situation(Message("Pidiendo una máquina…"), 5)
    if job is not None and job.life is Life.GONE:
        return Situation(Message("Tu sesión terminó en {site}.").filled(site=site), 90, next=ENDED)
    if job is None or job.life is Life.WAITING:
        if latest.error:
            text = Message("La sede {site} no responde en este momento. Tu pedido sigue allí.")
            return Situation(text.filled(site=site), 10, next=NO_ANSWER)
        if job is None:
            return Situation(Message("En la cola de {site}.").filled(site=site), 10, next=IN_QUEUE)
        text = Message("En la cola de {site}, lugar {place}. {why}").filled(
            site=site, place=latest.place(job), why=why(job.reason)
        )
        return Situation(text, 20, int(job.started) if job.started else None, IN_QUEUE)
    if not told:
        text = Message("Tu máquina está lista ({node}). Abriendo JupyterLab…")
        return Situation(text.filled(node=job.node), 60, next=OPENING)
    return Situation(Message("JupyterLab respondió. Entrando…"), 90, next=OPENING)
