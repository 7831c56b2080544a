/** How the steps ended. */
export type StepsEnd =
  | 'done' // the request takes the route that they are of
  | 'again' // it has another target: a route for that one is to be found
  | 'took' // `taken` is its route
  | 'called' // it goes on with the route called `calledName`
  | 'failed'; // what it would become is too long, or no target
