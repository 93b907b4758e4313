"""What is said when the tenant's row does not say it itself, by language."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """Fixed phrases of one language."""

    greeting: str
    farewell: str
    not_heard: str  # sound came, no words in it
    still_there: str  # nothing came
    not_answered: str  # nothing came of a flow's question, which follows again
    transfer: str
    no_person: str  # asked for a person, nobody to transfer to
    which: str  # {names}: whom the caller may mean
    either: str  # between the last two of them
    closed: str  # {name} is not there at this time
    confirm_transfer: str  # {name}: the model's choice, and the call costs money
    callback: str  # may we ring back
    callback_here: str  # on the number that he is calling from
    callback_number: str  # on which one
    callback_noted: str
    callback_not: str  # no number that can be rung
    trouble: str  # one stage failed; the call goes on
    broken: str  # the flow failed; the call is handed over
    max_turns: str
    filler: str  # the answer takes a moment
    interrupted: str  # resumed by another worker
    returned: str  # back from whom the caller was transferred to
    ends_soon: str  # the longest a call may last is near
    no_service: str  # the number belongs to nobody
    busy: str  # all places of the tenant are taken
    limit: str  # the call or its tenant has used what it may
    recorded: str  # before the recording begins
    may_record: str  # the same as a question, answered by key 1 or 2 or a word


_PHRASES = {
    "en": Phrases(
        greeting="Hello, how can I help you?",
        farewell="Thank you for calling. Goodbye.",
        not_heard="Sorry, I did not catch that. Could you say it again?",
        still_there="Are you still there? How can I help you?",
        not_answered="I did not hear you.",
        transfer="One moment please, I am transferring you.",
        no_person="I am sorry, nobody is available right now.",
        which="Whom would you like to speak to: {names}?",
        either="or",
        closed="I am sorry, {name} is not available at this time.",
        confirm_transfer="Shall I connect you with {name}?",
        callback="Shall we call you back?",
        callback_here="On the number that you are calling from?",
        callback_number="On which number shall we call you?",
        callback_noted="Thank you. I have noted that, and we will call you back.",
        callback_not="I am sorry, we cannot call that number back.",
        trouble="I am sorry, I cannot look that up right now. Could you ask again?",
        broken="I am sorry, we have a technical problem. I will connect you to someone.",
        max_turns="Let me connect you with someone who can help you further.",
        filler="One moment, please.",
        interrupted="Sorry, we were interrupted. Please go on.",
        returned="I am back with you. What else can I do for you?",
        ends_soon="Please note that this call ends soon.",
        no_service="This number is not in service. Goodbye.",
        busy="All our lines are busy right now. Please call again in a few minutes.",
        limit="I am sorry, I have to end our conversation here. Please call again later.",
        recorded="This call is recorded.",
        may_record="May we record this call? Say yes or press 1; say no or press 2.",
    ),
    "pt": Phrases(
        greeting="Olá, como posso ajudar?",
        farewell="Obrigado por ligar. Até logo.",
        not_heard="Desculpe, não entendi. Pode repetir?",
        still_there="Você ainda está aí? Como posso ajudar?",
        not_answered="Não ouvi a resposta.",
        transfer="Um momento, por favor, vou transferir a sua ligação.",
        no_person="Desculpe, ninguém está disponível agora.",
        which="Com quem deseja falar: {names}?",
        either="ou",
        closed="Desculpe, {name} não está disponível neste horário.",
        confirm_transfer="Posso transferir a ligação para {name}?",
        callback="Quer que a gente ligue de volta?",
        callback_here="No número de onde está ligando?",
        callback_number="Em que número podemos ligar?",
        callback_noted="Obrigado. Anotei, e vamos ligar de volta.",
        callback_not="Desculpe, não podemos ligar para esse número.",
        trouble="Desculpe, não consigo consultar isso agora. Pode perguntar de novo?",
        broken="Desculpe, temos um problema técnico. Vou passar para um atendente.",
        max_turns="Vou passar para alguém que pode ajudar melhor.",
        filler="Um momento, por favor.",
        interrupted="Desculpe, fomos interrompidos. Pode continuar.",
        returned="Estou de volta. Posso ajudar em mais alguma coisa?",
        ends_soon="Esta ligação vai terminar em breve.",
        no_service="Este número não está em serviço. Até logo.",
        busy="Todas as nossas linhas estão ocupadas. Por favor, ligue novamente em alguns minutos.",
        limit="Desculpe, preciso encerrar a nossa conversa aqui. Por favor, ligue mais tarde.",
        recorded="Esta ligação é gravada.",
        may_record="Podemos gravar esta ligação? Diga sim ou tecle 1; diga não ou tecle 2.",
    ),
    "es": Phrases(
        greeting="Hola, ¿en qué puedo ayudarle?",
        farewell="Gracias por llamar. Hasta luego.",
        not_heard="Perdón, no le entendí. ¿Puede repetirlo?",
        still_there="¿Sigue ahí? ¿En qué puedo ayudarle?",
        not_answered="No le he oído.",
        transfer="Un momento, por favor, le transfiero.",
        no_person="Lo siento, no hay nadie disponible ahora.",
        which="¿Con quién desea hablar: {names}?",
        either="o",
        closed="Lo siento, {name} no está disponible a esta hora.",
        confirm_transfer="¿Le paso con {name}?",
        callback="¿Quiere que le devolvamos la llamada?",
        callback_here="¿Al número desde el que llama?",
        callback_number="¿A qué número podemos llamarle?",
        callback_noted="Gracias. Lo he anotado y le llamaremos.",
        callback_not="Lo siento, no podemos llamar a ese número.",
        trouble="Lo siento, no puedo consultar eso ahora. ¿Puede preguntar otra vez?",
        broken="Lo siento, tenemos un problema técnico. Le paso con una persona.",
        max_turns="Le paso con alguien que puede ayudarle mejor.",
        filler="Un momento, por favor.",
        interrupted="Perdón, nos interrumpieron. Continúe, por favor.",
        returned="Ya estoy de vuelta. ¿En qué más puedo ayudarle?",
        ends_soon="Esta llamada terminará en breve.",
        no_service="Este número no está en servicio. Hasta luego.",
        busy="Todas nuestras líneas están ocupadas. Por favor, llame de nuevo en unos minutos.",
        limit="Lo siento, tengo que terminar aquí nuestra conversación. Llame más tarde.",
        recorded="Esta llamada se graba.",
        may_record="¿Podemos grabar esta llamada? Diga sí o marque 1; diga no o marque 2.",
    ),
}


def primary(language: str) -> str:
    """The primary subtag of a language tag: "pt-BR" → "pt"."""
    return language.replace("_", "-").split("-", 1)[0].lower()


def phrases(language: str) -> Phrases:
    """The phrases of a language; English where we have none."""
    return _PHRASES.get(primary(language), _PHRASES["en"])
