/** What even a machine with much else to do has done within. */
export const boundMs = 60_000;

/** Resolves when `holds` does, looking every 10 ms; rejects with `what`, its text unless told, once `withinMs` have passed. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what = String(holds),
  withinMs = boundMs,
): Promise<void> {
  for (const bound = performance.now() + withinMs; !(await holds()); ) {
    if (performance.now() > bound) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** What `ask` says once `holds` of it; asks and gives up as `until` does. */
export async function answerWhen<Answer>(
  ask: () => Promise<Answer>,
  holds: (answer: Answer) => boolean,
  withinMs = boundMs,
): Promise<Answer> {
  let answer = await ask();
  const look = async () => {
    if (!holds(answer)) answer = await ask();
    return holds(answer);
  };
  await until(look, String(holds), withinMs);
  return answer;
}
