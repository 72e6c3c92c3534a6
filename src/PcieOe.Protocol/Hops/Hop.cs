namespace PcieOe.Protocol.Hops;

/// <summary>The stretches of a command's way, in order. Each begins where the one before it ends.</summary>
public enum Hop : byte
{
    /// <summary>The client hands the command over; its entry is written.</summary>
    Submit,

    /// <summary>Until its doorbell is in a frame (or in the queue before the link's window).</summary>
    HostQueue,

    /// <summary>Until that frame is given to the port: filling, check or seal.</summary>
    HostTransmit,

    /// <summary>Until the target's poll round has the frame.</summary>
    WireOut,

    /// <summary>Until the function has the command and asks for admission: link, TLPs, fetching the entry.</summary>
    TargetReceive,

    /// <summary>Until admission lets it start.</summary>
    PolicyWait,

    /// <summary>Between start and ready, what is neither cell nor transfer: waiting for die and bus, data from the host, the medium.</summary>
    FlashQueue,

    /// <summary>The flash cell itself, as the timing model has it.</summary>
    FlashCell,

    /// <summary>The transfer on the flash bus, as the timing model has it.</summary>
    FlashTransfer,

    /// <summary>Ready, until its result begins to be written to frames.</summary>
    TargetQueue,

    /// <summary>Until the frame with its completion is given to the port.</summary>
    TargetTransmit,

    /// <summary>Until the host's poll round has that frame.</summary>
    WireBack,

    /// <summary>Until the completion is found.</summary>
    HostReceive,

    /// <summary>Until the client knows.</summary>
    Complete,
}

/// <summary>What reports call the hops.</summary>
public static class HopNames
{
    public const int Count = (int)Hop.Complete + 1;

    private static readonly string[] Names =
    [
        "submit", "host-queue", "host-tx", "wire-out", "target-rx", "policy-wait", "flash-queue",
        "flash-cell", "flash-transfer", "target-queue", "target-tx", "wire-back", "host-rx", "complete",
    ];

    /// <summary>All names, in the order of the hops.</summary>
    public static IReadOnlyList<string> All => Names;

    public static string Of(Hop hop) => Names[(int)hop];

    public static bool TryParse(string name, out Hop hop)
    {
        int index = Array.IndexOf(Names, name);
        hop = (Hop)Math.Max(0, index);
        return index >= 0;
    }
}
