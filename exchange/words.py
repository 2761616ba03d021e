"""What the exchange's client tells people, in both languages."""

WORDS = {
    "not_configured": (
        "Aquí no hay un intercambio configurado (MINGA_EXCHANGE_URL).",
        "There is no exchange configured here (MINGA_EXCHANGE_URL).",
    ),
    "unreachable": (
        "El intercambio no responde. Reintenta en unos minutos.",
        "The exchange does not answer. Try again in a few minutes.",
    ),
    "odd_answer": (
        "El intercambio respondió algo inesperado ({what}). Avisa a quien administra Minga.",
        "The exchange answered something unexpected ({what}). Tell those who run Minga.",
    ),
    "odd_name": (
        "El intercambio envió el nombre «{name}», que no se usará como archivo.",
        "The exchange sent the name “{name}”, which will not be used as a file.",
    ),
    "damaged": (
        "«{name}» llegó dañado (su SHA-256 es otro); no se guardó. Reintenta.",
        "“{name}” arrived damaged (its SHA-256 differs); it was not kept. Try again.",
    ),
    "retrying": (
        "El intercambio no responde ({why}); reintento en {seconds:.0f} s.",
        "The exchange does not answer ({why}); trying again in {seconds:.0f} s.",
    ),
    "no_course": (
        "Falta el curso: agrega la opción --course.",
        "No course given: add the option --course.",
    ),
    "fetched_already": (
        "Ya tienes «{assignment}» en «{folder}»; tu trabajo queda como está.",
        "You have “{assignment}” in “{folder}” already; your work stays as it is.",
    ),
    "replacing": ("Falta «{name}» y se repone.", "“{name}” is missing and put back."),
    "fetched": (
        "Recibiste {course}/{assignment} en «{folder}».",
        "You fetched {course}/{assignment} into “{folder}”.",
    ),
    "switched": (
        "«{name}» pasó a tu idioma: {changed} celdas cambiaron y {kept} que habías editado quedan "
        "como estaban. Copia anterior: «{backup}».",
        "“{name}” is in your language now: {changed} cells changed, and {kept} that you had edited "
        "stay as they were. The copy before: “{backup}”.",
    ),
    "due": ("Se entrega hasta el {due}.", "It is due on {due}."),
    "closed_after": (
        "Después no se acepta ninguna entrega.",
        "Nothing is accepted after that.",
    ),
    "closed": ("El plazo de entrega terminó.", "The time to hand in is over."),
    "attempts_left": ("Intentos que te quedan: {left}.", "Attempts that you have left: {left}."),
    "no_folder": (
        "No existe la carpeta «{folder}»: recibe primero la tarea.",
        "There is no folder “{folder}”: fetch the assignment first.",
    ),
    "link_skipped": (
        "«{name}» es un enlace y no se entrega.",
        "“{name}” is a link and is not handed in.",
    ),
    "missing": (
        "Faltan notebooks de la tarea: {names}.",
        "Notebooks of the assignment are missing: {names}.",
    ),
    "extra": (
        "Estos notebooks no son de la tarea: {names}.",
        "These notebooks are not the assignment's: {names}.",
    ),
    "not_submitted": (
        "«{assignment}» no se entregó.",
        "“{assignment}” was not handed in.",
    ),
    "submit_failed": (
        "Tu trabajo sigue en «{folder}». Si la entrega llegó a registrarse, entregar lo mismo de "
        "nuevo te da su recibo y no gasta otro intento.",
        "Your work is still in “{folder}”. If it was registered after all, handing in the same "
        "again gives you its receipt and uses no other attempt.",
    ),
    "receipt": (
        "Entrega recibida: {course}/{assignment}, intento {attempt}, {timestamp}, {files} "
        "archivos, SHA-256 {sha256}. Recibo {id}: «{file}».",
        "Submission received: {course}/{assignment}, attempt {attempt}, {timestamp}, {files} "
        "files, SHA-256 {sha256}. Receipt {id}: “{file}”.",
    ),
    "late": ("Llegó {late} tarde.", "It is {late} late."),
    "receipt_differs": (
        "El recibo no corresponde a lo enviado; guarda tu trabajo y avisa a tu docente.",
        "The receipt does not match what was sent; keep your work and tell your instructor.",
    ),
    "receipt_holds": (
        "El recibo vale: la entrega {id} está guardada ({files} archivos, {timestamp}).",
        "The receipt holds: submission {id} is stored ({files} files, {timestamp}).",
    ),
    "receipt_wrong": (
        "El recibo no coincide con lo guardado: {what}.",
        "The receipt does not match what is stored: {what}.",
    ),
    "receipt_unreadable": (
        "«{file}» no es un recibo: {why}.",
        "“{file}” is not a receipt: {why}.",
    ),
    "changed_since": (
        "Cambió después de la entrega: {names}.",
        "Changed since it was handed in: {names}.",
    ),
    "no_release_folder": (
        "No existe «{folder}»: genera primero la versión para estudiantes "
        "(nbgrader generate_assignment).",
        "There is no “{folder}”: generate the student version first "
        "(nbgrader generate_assignment).",
    ),
    "released_already": (
        "{course}/{assignment} ya está publicada; agrega --force para reemplazarla. Lo que cada "
        "estudiante recibió no cambia.",
        "{course}/{assignment} is released already; add --force to replace it. What students "
        "fetched does not change.",
    ),
    "released": (
        "Publicada: {course}/{assignment} ({languages}).",
        "Released as: {course} {assignment} ({languages}).",
    ),
    "withdrawn": (
        "{course}/{assignment} ya no está publicada; las entregas se conservan.",
        "{course}/{assignment} is not released any more; submissions are kept.",
    ),
    "not_removed": (
        "Lo entregado no se borra.",
        "What was handed in is not removed.",
    ),
    "none_to_collect": (
        "No hay entregas de «{assignment}» en el curso «{course}».",
        "No submissions of “{assignment}” for course “{course}” to collect.",
    ),
    "feedback_unmatched": (
        "La retroalimentación de {student} no corresponde a ninguna entrega del intercambio "
        "({timestamp}); no se publicó.",
        "The feedback of {student} belongs to no submission of the exchange ({timestamp}); it was "
        "not released.",
    ),
    "feedback_released": (
        "Retroalimentación publicada: {student}, {assignment} ({timestamp}).",
        "Feedback released: {student}, {assignment} ({timestamp}).",
    ),
    "feedback_fetched": (
        "Retroalimentación recibida: «{folder}».",
        "Feedback fetched: “{folder}”.",
    ),
    "no_feedback": (
        "Todavía no hay retroalimentación para la entrega del {timestamp}.",
        "There is no feedback yet on the submission of {timestamp}.",
    ),
    "not_submitted_yet": (
        "No has entregado «{assignment}».",
        "You have not handed in “{assignment}”.",
    ),
}


def say(language: str, key: str, **values) -> str:
    """Return a sentence in Spanish, or in English for any language but `es`."""
    spanish, english = WORDS[key]
    return (spanish if language == "es" else english).format(**values)
