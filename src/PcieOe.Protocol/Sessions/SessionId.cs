namespace PcieOe.Protocol.Sessions;

/// <summary>
/// The number by which the receiver of frames finds their session: the low 10 bits are an index into its table, the others a random
/// generation, so that the id of a session that is gone is recognised as stale. Never 0.
/// </summary>
public readonly record struct SessionId(uint Value)
{
    public const int MaximumSessions = 1 << IndexBits;

    private const int IndexBits = 10;

    public int Index => (int)(Value & (MaximumSessions - 1));

    /// <param name="random">Any 32 random bits.</param>
    public static SessionId Create(int index, uint random)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)MaximumSessions, nameof(index));
        uint generation = Math.Max(random >> IndexBits, 1);
        return new SessionId(generation << IndexBits | (uint)index);
    }
}
