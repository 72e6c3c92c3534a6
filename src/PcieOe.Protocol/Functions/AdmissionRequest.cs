namespace PcieOe.Protocol.Functions;

/// <summary>A fetched command, as admission control sees it: what it costs, when it came, and the token that starts it.</summary>
public readonly struct AdmissionRequest
{
    /// <summary>Handed back by <see cref="IPcieFunction.OnAdmitted"/> once the command may start.</summary>
    public required TransactionToken Token { get; init; }

    /// <summary>When the doorbell that announced the command was seen; monotonic nanoseconds.</summary>
    public required long ArrivalNanoseconds { get; init; }

    /// <summary>What <see cref="IFunctionHost.CurrentOrigin"/> was when that doorbell came; 0 if that is not known.</summary>
    public ulong Origin { get; init; }

    /// <summary>Bytes of user data the command moves; 0 for those that move none (flush, admin).</summary>
    public required int Bytes { get; init; }

    /// <summary>Cost in units of 4 KiB moved, at least 1 (reference: qos.md).</summary>
    public int CostUnits => Math.Max(1, (Bytes + 4095) >> 12);
}

/// <summary>What admission control answered to an <see cref="AdmissionRequest"/>.</summary>
public readonly struct Admission
{
    /// <summary>The command may start at once, with the given deadline; <see cref="IPcieFunction.OnAdmitted"/> will not be called.</summary>
    public static Admission StartNow(long deadlineNanoseconds) => new() { Starts = true, DeadlineNanoseconds = deadlineNanoseconds };

    /// <summary>The command waits; <see cref="IPcieFunction.OnAdmitted"/> says when it starts.</summary>
    public static Admission Deferred => default;

    public bool Starts { get; private init; }

    /// <summary>By when the transaction should be on its way, monotonic nanoseconds; <see cref="long.MaxValue"/> for none.</summary>
    public long DeadlineNanoseconds { get; private init; }
}
