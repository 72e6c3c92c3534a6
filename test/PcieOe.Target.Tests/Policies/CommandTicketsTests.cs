using PcieOe.Target.Policies;
using Xunit;

namespace PcieOe.Target.Tests.Policies;

public sealed class CommandTicketsTests
{
    private const int Capacity = 64;

    /// <summary>Numbered in the lower bits, in the second 16, in neither (so that many share a chain), and anyhow.</summary>
    [Theory]
    [InlineData(1UL, 0UL)]
    [InlineData(1UL << 16, 0x1000_0005_0000_0000UL)]
    [InlineData(1UL << 40, 3UL)]
    [InlineData(0x9E37_79B9_7F4A_7C15UL, 0UL)]
    public void RandomUse_WithAnyNumbering_FindsWhatADictionaryFinds(ulong stride, ulong first)
    {
        CommandTickets tickets = new(Capacity);
        Dictionary<ulong, int> expected = [];
        Random random = new(7);
        for (int i = 0; i < 50_000; i++)
        {
            ulong tag = first + stride * (ulong)random.Next(2 * Capacity);
            Assert.Equal(expected.ContainsKey(tag), tickets.Find(tag) != CommandTickets.None);
            if (random.Next(2) == 0)
            {
                int place = tickets.Remove(tag);
                Assert.Equal(expected.Remove(tag, out int units) ? units : -1, place == CommandTickets.None ? -1 : tickets[place].Start.Units);
            }
            else if (!tickets.IsFull && expected.TryAdd(tag, i))
            {
                ref Ticket ticket = ref tickets.Add(tag);
                Assert.Equal(TicketState.Waiting, ticket.State);
                ticket.Start.Units = i;
            }

            Assert.Equal((expected.Count, expected.Count == Capacity), (tickets.Count, tickets.IsFull));
            if (i == 30_000)
            {
                tickets.Clear();
                expected.Clear();
            }
        }

        Assert.All(expected, pair => Assert.Equal(pair.Value, tickets[tickets.Find(pair.Key)].Start.Units));
        Assert.NotEmpty(expected);
    }
}
