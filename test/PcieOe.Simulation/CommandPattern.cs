namespace PcieOe.Simulation;

/// <summary>The three writes that a command ends in.</summary>
internal enum WriteKind : byte
{
    Data = 1,
    Entry,
    Interrupt,
}

/// <summary>
/// What a command writes, and where: the address tells kind, flow, command and offset, so that whoever receives the write knows all of it.
/// Every write begins with its number in the flow, and goes on with words that follow from both.
/// </summary>
internal static class CommandPattern
{
    public const int EntryBytes = 16;
    public const int InterruptBytes = 4;

    /// <summary>Commands are counted modulo this and one: more than can be unfinished.</summary>
    public const uint LastCommand = 0xFFFF;

    /// <summary>A command without data: its entry and its interrupt.</summary>
    public const int LeastWrites = 2;

    private const int KindShift = 60;
    private const int FlowShift = 32;
    private const int CommandShift = 16;
    private const uint LastFlow = (1 << KindShift - FlowShift) - 1;
    private const uint MostDataWords = 5000;

    public static int DataBytes(uint flow, uint command)
    {
        ulong random = SimulationRandom.Mix((ulong)flow << 32 ^ command ^ 0xC0FFEE);
        return (random & 15) switch
        {
            0 => sizeof(uint) * (1 + (int)((random >> 8) % MostDataWords)),
            < 5 => 0,
            _ => sizeof(uint) * (1 + (int)(random >> 8 & 127)),
        };
    }

    public static ulong Address(WriteKind kind, uint flow, uint command, int offset = 0) =>
        (ulong)kind << KindShift | (ulong)(flow & LastFlow) << FlowShift | (ulong)command << CommandShift | (uint)offset;

    public static (WriteKind Kind, uint Flow, uint Command, int Offset) Parse(ulong address) =>
        ((WriteKind)(address >> KindShift), (uint)(address >> FlowShift) & LastFlow, (uint)(address >> CommandShift) & LastCommand, (int)(address & 0xFFFF));
}
