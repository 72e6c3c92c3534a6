using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using PcieOe.Host.FrontEnds.Rings;
using PcieOe.Host.FrontEnds.VfioUser.Rings;
using PcieOe.Host.FrontEnds.VfioUser.Worker;
using PcieOe.Host.RootComplex;

namespace PcieOe.Host.FrontEnds.VfioUser.Session;

/// <summary>What all sessions of a front end share: the rings to and from the worker, the options, and where to log and count. Socket's thread.</summary>
internal sealed class SessionContext
{
    private readonly LogLimiter _limiter = new();

    /// <summary>Of which the socket's thread is the writer.</summary>
    public required RecordRing Requests { get; init; }

    /// <summary>Of which the socket's thread is the reader.</summary>
    public required RecordRing Answers { get; init; }

    /// <summary>Likewise.</summary>
    public required RecordRing ClientRequests { get; init; }

    public required FunctionWorker Worker { get; init; }

    public required IRemoteFunction Function { get; init; }

    public required Action WakeWorker { get; init; }

    public required VfioUserOptions Options { get; init; }

    public required VfioUserCounters Counters { get; init; }

    public required ILogger Logger { get; init; }

    public string Name => Options.SocketPath;

    /// <summary>Whether a line that the client brought about may be logged now.</summary>
    public bool MayLog() => _limiter.Allows(Environment.TickCount64);

    public void Push(in FunctionRequest request, ReadOnlySpan<byte> data)
    {
        if (!Requests.TryReserve(FunctionRequest.Bytes + data.Length, out Span<byte> record))
        {
            throw new InvalidOperationException("A request was passed on without looking for room first.");
        }

        MemoryMarshal.Write(record, in request);
        data.CopyTo(record[FunctionRequest.Bytes..]);
        Requests.Commit();
        WakeWorker();
    }
}
