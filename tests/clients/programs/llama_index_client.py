"""LlamaIndex's embedding of OpenAI: python llama_index_client.py BASE_URL."""

import json
import sys

from llama_index.embeddings.openai import OpenAIEmbedding

TEXTS = ["Where are the ships?", "Boats sleep in the harbour at night."]

embedding = OpenAIEmbedding(model_name="multilingual-e5-small", api_base=f"{sys.argv[1]}/v1", api_key="unused")
print(
    json.dumps(
        {
            "text": [embedding.get_query_embedding(TEXTS[0])],
            "texts": embedding.get_text_embedding_batch(TEXTS),
        }
    )
)
