# The web app on the processor, as a plain user. docker build -t emotion . && docker run -p 7860:7860 emotion
FROM python:3.12-slim-bookworm

# The app needs neither PyTorch nor what else only training, .pt files and clusters do. For those, too:
# docker build --build-arg TRAINING=yes -t emotion-training .
ARG TRAINING=
# With TRAINING: builds of PyTorch and torchvision without CUDA; an empty value takes PyPI's, larger by gigabytes.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1

WORKDIR /app
COPY packages.txt requirements.txt requirements*.lock .ci/lock.py ./
RUN apt-get update \
    && xargs -a packages.txt apt-get install -y --no-install-recommends \
    && rm -rf /var/lib/apt/lists/*
# Every package by version and hash, and one OpenCV, the headless one: the others need a desktop's libraries.
RUN if [ -z "$TRAINING" ]; then cp requirements-app.lock /tmp/rest.lock; \
    else python lock.py --rest requirements.lock ${TORCH_INDEX:+--without-torch} > /tmp/rest.lock; fi \
    && pip install --no-deps --require-hashes -r /tmp/rest.lock \
    && rm /tmp/rest.lock
# PyTorch of an index of its own has hashes where requirements-torch-cpu.lock is there (docs/deploy.md).
RUN if [ -z "$TRAINING" ] || [ -z "$TORCH_INDEX" ]; then :; \
    elif [ -f requirements-torch-cpu.lock ]; then \
        pip install --no-deps --require-hashes --index-url "$TORCH_INDEX" -r requirements-torch-cpu.lock; \
    else pip install --no-deps --index-url "$TORCH_INDEX" $(python lock.py --pins torch torchvision); fi

# Hugging Face runs Docker Spaces as user 1000.
RUN useradd --create-home --uid 1000 user
USER user
ENV HOME=/home/user GRADIO_ANALYTICS_ENABLED=False
COPY --chown=user . .

EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]
CMD ["python", "app.py", "--host", "0.0.0.0", "--port", "7860"]
