# curl: send a video, wait until it is done, get the records
URL="${EMOTION_URL:-http://127.0.0.1:7860}" VIDEO="${VIDEO:-talk.mp4}"
AUTH=(-H "Authorization: Bearer ${EMOTION_TOKEN:-none}")

JOB=$(curl -sf "${AUTH[@]}" -F "file=@$VIDEO" -F smoothing=5 "$URL/api/v1/analyses" |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')
curl -sfN "${AUTH[@]}" "$URL/api/v1/analyses/$JOB/events"        # ends when the analysis has
curl -sf "${AUTH[@]}" "$URL/api/v1/analyses/$JOB/results?format=csv" -o talk_results.csv
curl -sf "${AUTH[@]}" "$URL/api/v1/analyses/$JOB/video" -o talk_emotions.mp4
curl -sf "${AUTH[@]}" -X DELETE "$URL/api/v1/analyses/$JOB"
