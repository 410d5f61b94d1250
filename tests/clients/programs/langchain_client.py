"""LangChain's embeddings of OpenAI, as they come: they send token ids. python langchain_client.py BASE_URL."""

import json
import sys

from langchain_openai import OpenAIEmbeddings

TEXTS = ["Where are the ships?", "Boats sleep in the harbour at night."]
LONG = " ".join(TEXTS * 100)

embeddings = OpenAIEmbeddings(model="text-embedding-3-small", base_url=f"{sys.argv[1]}/v1", api_key="unused")
passages = OpenAIEmbeddings(model="multilingual-e5-small:passage", base_url=f"{sys.argv[1]}/v1", api_key="unused")
texts = OpenAIEmbeddings(
    model="multilingual-e5-small", base_url=f"{sys.argv[1]}/v1", api_key="unused", check_embedding_ctx_length=False
)
parts = OpenAIEmbeddings(
    model="multilingual-e5-small", base_url=f"{sys.argv[1]}/v1", api_key="unused", embedding_ctx_length=300
)
cut = OpenAIEmbeddings(
    model="multilingual-e5-small",
    base_url=f"{sys.argv[1]}/v1",
    api_key="unused",
    model_kwargs={"extra_body": {"truncate": True}},
)
print(
    json.dumps(
        {
            "text": [embeddings.embed_query(TEXTS[0])],
            "texts": embeddings.embed_documents(TEXTS),
            "passage": passages.embed_documents(TEXTS[1:]),
            "without ids": texts.embed_documents(TEXTS),
            "long": parts.embed_documents([LONG]) + cut.embed_documents([LONG]),
        }
    )
)
