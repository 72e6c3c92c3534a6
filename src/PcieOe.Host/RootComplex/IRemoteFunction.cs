using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Hops;

namespace PcieOe.Host.RootComplex;

/// <summary>
/// A PCIe function in another box, as front ends and drivers use it: configuration space, BARs, memory for DMA, interrupts. They need
/// know nothing of Ethernet or of sessions. Everything is called on one worker's thread, nothing blocks, and nothing allocates in steady
/// state. Time is handed in (monotonic nanoseconds).
/// </summary>
public interface IRemoteFunction
{
    /// <summary>The most a region read or write may move at once, bytes; it may not cross a boundary of this size either.</summary>
    const int MaximumRegionAccessBytes = 4096;

    RemoteFunctionState State { get; }

    /// <summary>How many MSI-X vectors the function has; 0 before it is enumerated.</summary>
    int InterruptVectors { get; }

    /// <summary>The most that one TLP may carry on this session.</summary>
    int MaximumPayloadBytes => 128;

    /// <summary>Describes BAR 0 to 5; of size 0 before the function is enumerated, or where there is none.</summary>
    BarDescription GetBar(int bar);

    /// <summary>What the function says of its BARs: doorbells, plain memory, answers in an outage. Empty before it is enumerated.</summary>
    BridgeHints Hints { get; }

    /// <summary>Makes <paramref name="client"/> the one that is told of everything. The function stands as after a reset, bus mastering off.</summary>
    /// <exception cref="InvalidOperationException">Another client is attached.</exception>
    void Attach(IRemoteFunctionClient client);

    /// <summary>Takes leave: pending reads are dropped unanswered, the DMA window is emptied at once, the function is reset.</summary>
    void Detach(long now);

    /// <summary>Reads one aligned doubleword of configuration space from the shadow, as a little-endian value.</summary>
    /// <param name="offset">0 to 4092, a multiple of 4.</param>
    uint ReadConfig(int offset);

    /// <summary>
    /// Writes the enabled bytes of one doubleword of configuration space. BARs, device control and MSI-X stay in the shadow; the rest
    /// goes on to the function. False: too many writes wait already.
    /// </summary>
    /// <param name="byteEnables">Bit i enables byte i of <paramref name="value"/>.</param>
    bool TryWriteConfig(int offset, uint value, byte byteEnables, long now);

    /// <summary>
    /// Starts a read of a BAR's memory; <see cref="IRemoteFunctionClient.OnRegionRead"/> answers it, never from within this call.
    /// False: outside the BAR, or too many are outstanding.
    /// </summary>
    bool TryReadRegion(int bar, ulong offset, int length, ulong context, long now);

    /// <summary>
    /// Posts a write to a BAR's memory. Writes of one poll round share frames, and no read overtakes an earlier write.
    /// False: outside the BAR, or more waits than the queue holds.
    /// </summary>
    bool TryWriteRegion(int bar, ulong offset, ReadOnlySpan<byte> data, long now);

    /// <summary>
    /// Asks the function's side to time the commands that the next write, a doorbell, starts. False: no room, or nobody
    /// there who could.
    /// </summary>
    /// <param name="name">Not 0; rises from call to call. The answer and the moment of leaving come under it.</param>
    bool TryMark(uint name) => false;

    /// <summary>
    /// Orders a single DMA request of the function's side, to time it; a <see cref="ProbeAnswer"/> comes as a message. False: no room, or
    /// nobody there who could.
    /// </summary>
    bool TryProbe(in ProbeOrder order) => false;

    /// <summary>Lets the device reach <paramref name="length"/> bytes at <paramref name="memory"/> under the bus address <paramref name="address"/>.</summary>
    DmaMapResult Map(ulong address, ulong length, nint memory, DmaAccess access);

    /// <summary>As the other overload, for memory that this process cannot address.</summary>
    DmaMapResult Map(ulong address, ulong length, IDmaMemory memory, DmaAccess access);

    /// <summary>Withdraws a range, given exactly as it was mapped. When the call returns the device can reach none of it any more.</summary>
    DmaMapResult Unmap(ulong address, ulong length);

    /// <summary>Withdraws every range.</summary>
    void UnmapAll();

    /// <summary>Answers <see cref="IDmaMemory.TryStartRead"/>.</summary>
    /// <param name="data">As long as was asked for; empty if the read failed.</param>
    void CompleteDmaRead(DmaReadTicket ticket, ReadOnlySpan<byte> data, long now);

    /// <summary>
    /// Resets the function (FLR) and sets its configuration up again, with bus mastering off, as after power-on.
    /// <see cref="IRemoteFunctionClient.OnResetCompleted"/> says when it is done; pending region reads are answered before.
    /// </summary>
    void StartReset(long now);
}
