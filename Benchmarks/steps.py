"""The benchmark's continuous batching as simulators do it that take each step: one replica's share of the requests
(60 a second over eight replicas), an event a step. Prints CPU nanoseconds a request.

    python Benchmarks/steps.py [REQUESTS]
"""
import collections, math, random, sys, time

BASE, PER_SEQUENCE, PER_PROMPT_TOKEN, TOKENS, BATCH = 12_000, 100, 20, 2048, 64


def lognormal(rng, mean, cv):
    variance = math.log(1 + cv * cv)
    return max(1, round(rng.lognormvariate(math.log(mean) - variance / 2, math.sqrt(variance))))


def simulate(requests):
    rng = random.Random(1)
    clock, arrivals, latencies = 0.0, collections.deque(), []
    for _ in range(requests):
        clock += rng.expovariate(60 / 8) * 1e6
        arrivals.append((round(clock), lognormal(rng, 1100, 1.3), lognormal(rng, 250, 0.9)))
    now, batch = 0, []  # of [arrived, prompt tokens left, output tokens left]
    while arrivals or batch:
        if not batch:
            now = max(now, arrivals[0][0])
        while arrivals and arrivals[0][0] <= now and len(batch) < BATCH:
            batch.append(list(arrivals.popleft()))
        budget = TOKENS - sum(1 for request in batch if request[1] == 0)
        participants = prompt = 0
        for request in batch:
            if request[1] == 0:
                participants += 1
                request[2] -= 1
            elif budget > 0:
                taken = min(budget, request[1])
                request[1] -= taken
                budget -= taken
                prompt += taken
                participants += 1
                if request[1] == 0:
                    request[2] -= 1
        now += BASE + PER_SEQUENCE * participants + PER_PROMPT_TOKEN * prompt
        latencies += [now - request[0] for request in batch if request[1] == 0 and request[2] <= 0]
        batch = [request for request in batch if request[1] > 0 or request[2] > 0]
    return latencies


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    start = time.process_time()
    latencies = simulate(count)
    print((time.process_time() - start) / count * 1e9, sum(latencies) / count / 1e6)
