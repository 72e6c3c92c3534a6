using PcieOe.Host.Interop;

namespace PcieOe.Host.FrontEnds.VfioUser.Worker;

/// <summary>
/// Signals the client's eventfds. They are made non-blocking when they come, but the client shares them and could make one block again,
/// with its counter full: the worker would hang in the write. So the worker notes what it writes to, and the socket's thread, which looks
/// now and then, frees it by emptying the counter. The worker writes both notes, the socket's thread only reads them: a late look frees
/// late, a wrong one costs such a client an interrupt.
/// </summary>
internal sealed unsafe class ClientEvents
{
    private const int None = -1;

    private int _busy = None;
    private long _signals;
    private long _signalsAtLastLook = None;

    /// <summary>Interrupts delivered. Any thread may read it.</summary>
    public long Signals => Volatile.Read(ref _signals);

    /// <summary>Worker's thread.</summary>
    public void Signal(int descriptor)
    {
        ulong one = 1;
        Volatile.Write(ref _busy, descriptor);
        _ = LibC.Write(descriptor, &one, sizeof(ulong));
        Volatile.Write(ref _signals, _signals + 1);
        Volatile.Write(ref _busy, None);
    }

    /// <summary>Socket's thread, at most every 100 ms or so: frees a worker that has been in the same write since the last look.</summary>
    /// <returns>True: it was stuck; this client is up to no good.</returns>
    public bool FreeStuckWorker()
    {
        long signals = Volatile.Read(ref _signals);
        int descriptor = Volatile.Read(ref _busy);
        bool isStuck = descriptor != None && signals == _signalsAtLastLook;
        _signalsAtLastLook = descriptor != None ? signals : None;
        if (!isStuck)
        {
            return false;
        }

        var entry = new PollEntry { Descriptor = descriptor, Events = PollEntry.InputReady };
        TimeSpecification atOnce = default;
        if (LibC.Poll(&entry, 1, &atOnce, null) > 0 && (entry.Returned & PollEntry.InputReady) != 0)
        {
            ulong count;
            _ = LibC.Read(descriptor, &count, sizeof(ulong));
        }

        return true;
    }

    /// <summary>Whether a descriptor that came from the client may be signalled by the worker: an eventfd, and now one that does not block.</summary>
    public static bool TryAdopt(int descriptor)
    {
        const int GetFlags = 3;
        const int SetFlags = 4;
        const int NonBlocking = 0x800;
        ReadOnlySpan<byte> expected = "anon_inode:[eventfd]"u8;
        byte* target = stackalloc byte[64];
        nint length = LibC.ReadLink($"/proc/self/fd/{descriptor}", target, 64);
        if (length < 0 || !new ReadOnlySpan<byte>(target, (int)length).SequenceEqual(expected))
        {
            return false;
        }

        int flags = LibC.FileControl(descriptor, GetFlags, 0);
        return flags >= 0 && LibC.FileControl(descriptor, SetFlags, flags | NonBlocking) >= 0;
    }
}
