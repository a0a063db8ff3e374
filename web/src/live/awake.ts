/** Keeps the screen of a phone on while cameras are looked at. Browsers offer that to secure pages alone: HTTPS, or this machine. */
import { useEffect } from 'preact/hooks';

export function useAwake(): void {
  useEffect(() => {
    const { wakeLock } = navigator;
    if (!wakeLock || !matchMedia('(pointer: coarse)').matches) return;
    let held: WakeLockSentinel | undefined;
    let isAsking = false;
    let isLeft = false;
    // The browser takes the lock from a page that is hidden.
    const hold = async () => {
      if (isLeft || isAsking || document.visibilityState !== 'visible' || (held && !held.released)) return;
      isAsking = true;
      // Refused where the battery is low: the screen goes dark as ever.
      held = await wakeLock.request('screen').catch(() => undefined);
      isAsking = false;
      if (isLeft) void held?.release();
    };
    document.addEventListener('visibilitychange', hold);
    void hold();
    return () => {
      isLeft = true;
      document.removeEventListener('visibilitychange', hold);
      void held?.release();
    };
  }, []);
}
