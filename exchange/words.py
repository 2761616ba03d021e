"""What the exchange's client tells people."""

from translation.sentences import N_, translate

WORDS = {
    "not_configured": N_("Aquí no hay un intercambio configurado (MINGA_EXCHANGE_URL)."),
    "unreachable": N_("El intercambio no responde. Reintenta en unos minutos."),
    "odd_answer": N_(
        "El intercambio respondió algo inesperado ({what}). Avisa a quien administra Minga."
    ),
    "odd_name": N_("El intercambio envió el nombre «{name}», que no se usará como archivo."),
    "damaged": N_("«{name}» llegó dañado (su SHA-256 es otro); no se guardó. Reintenta."),
    "retrying": N_("El intercambio no responde ({why}); reintento en {seconds:.0f} s."),
    "no_course": N_("Falta el curso: agrega la opción --course."),
    "fetched_already": N_("Ya tienes «{assignment}» en «{folder}»; tu trabajo queda como está."),
    "replacing": N_("Falta «{name}» y se repone."),
    "fetched": N_("Recibiste {course}/{assignment} en «{folder}»."),
    "switched": N_(
        "«{name}» pasó a tu idioma: {changed} celdas cambiaron y {kept} que habías editado quedan "
        "como estaban. Copia anterior: «{backup}»."
    ),
    "due": N_("Se entrega hasta el {due}."),
    "closed_after": N_("Después no se acepta ninguna entrega."),
    "closed": N_("El plazo de entrega terminó."),
    "attempts_left": N_("Intentos que te quedan: {left}."),
    "no_folder": N_("No existe la carpeta «{folder}»: recibe primero la tarea."),
    "link_skipped": N_("«{name}» es un enlace y no se entrega."),
    "missing": N_("Faltan notebooks de la tarea: {names}."),
    "extra": N_("Estos notebooks no son de la tarea: {names}."),
    "not_submitted": N_("«{assignment}» no se entregó."),
    "submit_failed": N_(
        "Tu trabajo sigue en «{folder}». Si la entrega llegó a registrarse, entregar lo mismo de "
        "nuevo te da su recibo y no gasta otro intento."
    ),
    "receipt": N_(
        "Entrega recibida: {course}/{assignment}, intento {attempt}, {timestamp}, {files} "
        "archivos, SHA-256 {sha256}. Recibo {id}: «{file}»."
    ),
    "late": N_("Llegó {late} tarde."),
    "receipt_differs": N_(
        "El recibo no corresponde a lo enviado; guarda tu trabajo y avisa a tu docente."
    ),
    "receipt_holds": N_(
        "El recibo vale: la entrega {id} está guardada ({files} archivos, {timestamp})."
    ),
    "receipt_wrong": N_("El recibo no coincide con lo guardado: {what}."),
    "receipt_unreadable": N_("«{file}» no es un recibo: {why}."),
    "changed_since": N_("Cambió después de la entrega: {names}."),
    "no_release_folder": N_(
        "No existe «{folder}»: genera primero la versión para estudiantes (nbgrader "
        "generate_assignment)."
    ),
    "released_already": N_(
        "{course}/{assignment} ya está publicada; agrega --force para reemplazarla. Lo que cada "
        "estudiante recibió no cambia."
    ),
    "released": N_("Publicada: {course}/{assignment} ({languages})."),
    "withdrawn": N_("{course}/{assignment} ya no está publicada; las entregas se conservan."),
    "not_removed": N_("Lo entregado no se borra."),
    "none_to_collect": N_("No hay entregas de «{assignment}» en el curso «{course}»."),
    "feedback_unmatched": N_(
        "La retroalimentación de {student} no corresponde a ninguna entrega del intercambio "
        "({timestamp}); no se publicó."
    ),
    "feedback_released": N_("Retroalimentación publicada: {student}, {assignment} ({timestamp})."),
    "feedback_fetched": N_("Retroalimentación recibida: «{folder}»."),
    "no_feedback": N_("Todavía no hay retroalimentación para la entrega del {timestamp}."),
    "not_submitted_yet": N_("No has entregado «{assignment}»."),
    "receipt_file": N_("recibo"),
    "check_receipt": N_("Comprueba un recibo en el intercambio"),
}


def say(language: str, key: str, **values) -> str:
    """Return a sentence in a language, or in Spanish where there is no catalog of it."""
    return translate(WORDS[key], language).format(**values)
