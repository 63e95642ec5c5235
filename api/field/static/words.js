// Every word of the phone page, in both languages. t("key", {name}) fills in {name}.
const WORDS = {
  title: ["Hva skal du gjøre?", "What are you here to do?"],
  scan: ["Skann sensor", "Scan a sensor"],
  type: ["Skriv DevEUI", "Type the DevEUI"],
  nearby: ["Kummer i nærheten", "Manholes nearby"],
  visits: ["Sensorer som trenger besøk", "Sensors that need a visit"],
  queue: ["Mine registreringer", "My entries"],
  queueN: ["Mine registreringer ({n} venter)", "My entries ({n} waiting)"],
  back: ["Tilbake", "Back"],
  online: ["", ""],
  offline: ["Uten dekning. Alt du skriver blir liggende på telefonen og sendes senere.", "No coverage. What you enter stays on the phone and is sent later."],
  signIn: ["Logg inn", "Sign in"],
  signedOut: ["Du er ikke logget inn. Registreringene dine er trygge på telefonen.", "You are not signed in. Your entries are safe on the phone."],
  noSecure: ["Siden må åpnes med https for å ta vare på nøkler uten dekning.", "Open this page by https to keep keys without coverage."],
  pointCamera: ["Hold QR-koden foran kameraet", "Hold the QR code in front of the camera"],
  photo: ["Ta bilde av QR-koden", "Photograph the QR code"],
  photoNeedsNet: ["Bildet leses når du har dekning. Skriv DevEUI for å gå videre nå.", "The photo is read when you have coverage. Type the DevEUI to go on now."],
  noCode: ["Fant ingen kode i bildet. Gå nærmere og hold stille.", "No code found in the photo. Go closer and hold still."],
  badCode: ["Dette er ikke en LoRaWAN-kode.", "This is not a LoRaWAN code."],
  devEui: ["DevEUI (16 tegn)", "DevEUI (16 characters)"],
  devEuiWrong: ["DevEUI har 16 tegn, 0–9 og A–F. Se etter O i stedet for 0.", "A DevEUI has 16 characters, 0–9 and A–F. Look for O instead of 0."],
  goOn: ["Videre", "Go on"],
  newSensor: ["Ny sensor", "New sensor"],
  product: ["Produkt", "Product"],
  choose: ["Velg …", "Choose …"],
  place: ["Hvor står den?", "Where is it?"],
  search: ["Søk etter kum eller navn", "Search for a manhole or name"],
  metres: ["{n} m unna", "{n} m away"],
  newPlace: ["Ny kum her", "A new manhole here"],
  newPlaceId: ["Navn på ny kum", "Name of the new manhole"],
  kind: ["Type", "Kind"],
  noPosition: ["Posisjonen er ikke kjent; søk på navn.", "The position is not known; search by name."],
  sensorName: ["Navn på målepunktet", "Name of the measuring point"],
  mounting: ["Montering", "Mounting"],
  depth: ["Dybde under bakken (m)", "Depth below ground (m)"],
  cover: ["Lokk", "Cover"],
  cover_none: ["Uten lokk", "No cover"], cover_plastic: ["Plast eller kompositt", "Plastic or composite"],
  cover_cast_iron: ["Støpejern", "Cast iron"], cover_concrete: ["Betong", "Concrete"],
  key: ["AppKey (32 tegn)", "AppKey (32 characters)"],
  keyHelp: ["Står i produsentens liste, ikke i QR-koden. Vises ikke igjen.", "It is on the maker's list, not in the QR code. Not shown again."],
  keyWrong: ["Nøkkelen må ha 32 tegn, 0–9 og A–F.", "The key must have 32 characters, 0–9 and A–F."],
  keyLater: ["Nøkkelen er lagt inn på forhånd", "The key has been entered before"],
  save: ["Registrer", "Register"],
  needPlace: ["Velg hvor sensoren står.", "Choose where the sensor is."],
  needProduct: ["Velg produkt.", "Choose the product."],
  needName: ["Skriv et navn.", "Type a name."],
  known: ["Denne sensoren er registrert", "This sensor is registered"],
  onPlace: ["på {place}", "on {place}"],
  waitsHere: ["Denne sensoren ligger allerede og venter på telefonen.", "This sensor already waits on this phone."],
  checkIt: ["Sjekk at den virker", "Check that it works"],
  move: ["Flytt hit", "Move it here"],
  swap: ["Bytt enhet", "Swap the device"],
  swapScan: ["Skann den nye enheten", "Scan the new device"],
  retire: ["Ta ut av drift", "Retire it"],
  retireSure: ["Trykk en gang til for å ta den ut av drift", "Press once more to retire it"],
  calibrate: ["Juster måling", "Adjust the reading"],
  quantity: ["Måling", "Quantity"],
  offset: ["Legg til (i målingens enhet)", "Add (in the reading's unit)"],
  flush: ["La den koble til på nytt", "Let it join again"],
  rekey: ["Ny nøkkel", "New key"],
  st_waiting: ["Venter på dekning", "Waiting for coverage"], st_conflict: ["Trenger svar fra deg", "Needs your answer"],
  st_sent: ["Sendt", "Sent"], st_queued: ["Sendt. Nettverket får beskjed når det svarer.", "Sent. The network will be told when it answers."],
  st_signed: ["Ferdig", "Done"],
  tryAgain: ["Prøv igjen", "Try again"],
  remove: ["Slett", "Delete"],
  removeSure: ["Trykk en gang til for å slette", "Press once more to delete"],
  emptyQueue: ["Ingenting er registrert på denne telefonen.", "Nothing has been entered on this phone."],
  k_register: ["Ny", "New"], k_move: ["Flytt", "Move"], k_swap: ["Bytt", "Swap"], k_calibrate: ["Juster", "Adjust"], k_retire: ["Ta ut", "Retire"],
  k_rekey: ["Ny nøkkel", "New key"], k_flush: ["Koble til på nytt", "Join again"], k_signoff: ["Godkjenning", "Sign-off"],
  verdictTitle: ["Virker {sensor}?", "Does {sensor} work?"],
  v_good: ["Alt i orden", "All is well"], v_look_again: ["Se en gang til", "Look again"], v_bad: ["Noe er galt", "Something is wrong"],
  v_waiting: ["Venter på sensoren …", "Waiting for the sensor …"],
  m_good: ["✓ I orden", "✓ Good"], m_look_again: ["! Se igjen", "! Look again"], m_bad: ["✗ Galt", "✗ Bad"], m_waiting: ["… Venter", "… Waiting"],
  m_not_checked: ["– Ikke sjekket", "– Not checked"],
  networkWaits: ["Nettverkstjeneren svarer ikke. Sensoren meldes inn når den svarer.", "The network server does not answer. The sensor is told to it when it does."],
  verdictNeedsNet: ["Sjekken kommer når registreringen er sendt.", "The check comes when the entry has been sent."],
  handReading: ["Avlest verdi", "Read by hand"],
  coverOpen: ["Lokket er åpent nå", "The cover is open now"],
  takePhoto: ["Bilde av monteringen", "Photo of the mounting"],
  note: ["Merknad", "Note"],
  sign: ["Godkjenn", "Sign off"],
  signAnyway: ["Godkjenn likevel", "Sign off anyway"],
  signed: ["Godkjent og lagret.", "Signed off and stored."],
  ready: ["Klar", "Ready"],
  noVisits: ["Ingen sensorer trenger besøk.", "No sensor needs a visit."],
  stop: ["Stopp {n}", "Stop {n}"],
  map: ["Vis i kart", "Show on map"],
  correct: ["Rett opp", "Correct it"],
  keyKept: ["Bruk nøkkelen som ble skrevet inn", "Use the key that was typed"],
  later: ["Senere", "Later"],
  settings: ["Innstillinger i sensoren", "Settings in the sensor"],
  command: ["Hva skal endres?", "What shall change?"], value: ["Verdi", "Value"], tell: ["Send til sensoren", "Send to the sensor"],
  interval_s: ["Sendeintervall (s)", "Interval (s)"], threshold_m: ["Varsle over nivå (m)", "Alarm above level (m)"],
  d_waiting: ["Venter på at sensoren sender neste gang", "Waits for the sensor's next message"], d_sent: ["Sendt fra masten, ikke kvittert", "Sent by the mast, not acknowledged"],
  d_acknowledged: ["✓ Kvittert av sensoren", "✓ Acknowledged by the sensor"], d_failed: ["✗ Sensoren svarte ikke", "✗ The sensor did not answer"],
  noCommands: ["Dette produktet kan ikke stilles herfra.", "This product cannot be set from here."],
  refresh: ["Oppdater", "Refresh"],
  routeMap: ["Kjørerute med {n} stopp", "Route with {n} stops"],
  failed: ["Det gikk ikke: {why}", "That failed: {why}"],
};
const KINDS = {
  manhole: ["Kum", "Manhole"], overflow_chamber: ["Overløp", "Overflow chamber"], pumping_station: ["Pumpestasjon", "Pumping station"], pipe: ["Ledning", "Pipe"],
  meter_point: ["Vannmåler", "Water meter"], rain_station: ["Nedbørstasjon", "Rain station"], reservoir: ["Høydebasseng", "Reservoir"], other: ["Annet", "Other"],
};
const QUANTITIES = {
  level_m: ["Nivå (m)", "Level (m)"], distance_m: ["Avstand til vann (m)", "Distance to water (m)"], pressure_bar: ["Trykk (bar)", "Pressure (bar)"],
  volume_m3: ["Målerstand (m³)", "Meter index (m³)"], flow_m3h: ["Vannføring (m³/t)", "Flow (m³/h)"], temperature_c: ["Temperatur (°C)", "Temperature (°C)"],
  rain_total_mm: ["Nedbør, sum (mm)", "Rain, total (mm)"],
};

let language = localStorage.getItem("language") || (navigator.language.startsWith("en") ? "en" : "nb");
export const lang = () => language;
export const quantities = Object.keys(QUANTITIES);
export const kinds = Object.keys(KINDS);

export function speak(chosen) {
  language = chosen;
  localStorage.setItem("language", chosen);
  document.documentElement.lang = chosen;
}

export function t(key, values = {}) {
  const found = WORDS[key] || KINDS[key] || QUANTITIES[key] || [key, key];
  return found[language === "nb" ? 0 : 1].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

// The server's sentences in Norwegian; one that is not here is shown as it came.
const SERVER_NB = [
  [/^Device (\w+) is registered already, as sensor '(.+?)'(?: on (.+?))?; .*$/, "Enhet $1 er allerede registrert, som '$2'. Flytt den, eller ta den ut av drift først."],
  [/^ChirpStack has device (\w+) as sensor '(.+?)'.*$/, "Nettverkstjeneren har enhet $1 som '$2'. Ta den ut av drift eller bytt den først."],
  [/^ChirpStack has device (\w+) already\.$/, "Nettverkstjeneren har enhet $1 fra før, hos noen andre. Be kontoret hente den inn."],
  [/^Sensor '(.+?)' is there already, with device (\w+).*$/, "Målepunktet '$1' finnes fra før, med enhet $2. Bytt enheten, eller velg et annet navn."],
  [/^This entry was sent before with other contents.*$/, "Denne registreringen er sendt før, med annet innhold. Lag en ny."],
  [/^There is no asset '(.+?)'.*$/, "Det finnes ingen kum som heter '$1'."],
  [/^There is no sensor '(.+?)'.*$/, "Det finnes ingen sensor som heter '$1'."],
  [/^(\w+) of '(.+?)' must be from (\S+) to (\S+) (\S+), not .*$/, "Verdien må være fra $3 til $4 $5."],
  [/^This needs one of the roles.*$/, "Du har ikke rett til å registrere sensorer. Spør en administrator."],
  [/^ChirpStack at \S+ (?:does not answer|took too long).*$/, "Nettverkstjeneren svarer ikke. Det prøves igjen av seg selv."],
];

export function inWords(sentence) {
  if (language !== "nb") return sentence;
  const [pattern, text] = SERVER_NB.find(([p]) => p.test(sentence)) || [];
  return pattern ? sentence.replace(pattern, text) : sentence;
}
