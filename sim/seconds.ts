/** How long tests play seeds, in seconds: a little on every day, more in continuous integration, as long as you like by hand. */
export const SIM_SECONDS = Number(process.env.SIM_SECONDS ?? 5);
