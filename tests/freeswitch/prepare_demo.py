"""Puts the demo's tenant and its documents into VOICE_AI_DATA_DIR.

A process of its own, because it loads the models, which nobody needs in the one that times packets.
"""

from __future__ import annotations

import esl_app.patched  # noqa: F401  isort: skip - importing it is what does it

from esl_app.config import load
from esl_app.demo import clinic
from esl_app.engines import EnginePool
from esl_app.stores import Stores
from providers.deadline import Deadline


def main() -> None:
    engines = EnginePool()
    with Stores(load()) as stores:
        tenant = clinic.ensure(stores.database)
        embedder = engines.for_tenant(tenant).embedder
        clinic.add_documents(stores.database, embedder, Deadline.after(120.0))
    engines.close()


if __name__ == "__main__":
    main()
